"""The pictures of answers, which LINE and customers' phones fetch. They need no token: every customer may see them."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from service.adapters.images import ImageServer

# The name is made of the content: what stands under it never changes.
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@get("/img/{name:str}", include_in_schema=False)
async def show_image(name: FromPath[str], images: NamedDependency[ImageServer]) -> Response[bytes]:
    """Give out a picture that an entry names; 404 for everything else."""
    picture = await images.get(name)
    if picture is None:
        raise NotFoundException("there is no such picture")
    return Response(picture.data, media_type=picture.media_type, headers=_HEADERS)
