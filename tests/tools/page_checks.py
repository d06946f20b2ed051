"""Scripts that look for what some people could not use on a page. Each lists the offenders."""

# What a screen reader would miss: a control without a name, a picture without a text, an id used twice.
NAMELESS = """() => {
  const name = (e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent.trim() || e.title
    || e.querySelector('img')?.alt;
  const controls = [...document.querySelectorAll('button, a, textarea, input, [role=log], [role=region], nav')];
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  return [
    ...controls.filter((e) => !name(e) && !e.hasAttribute('aria-labelledby')).map((e) => e.outerHTML),
    ...[...document.images].filter((e) => !e.hasAttribute('alt')).map((e) => e.outerHTML),
    ...ids.filter((id, index) => ids.indexOf(id) !== index),
  ];
}"""


# Texts whose contrast with what lies behind them is below 4.5 (WCAG AA). Half-transparent grounds are blended.
PALE = """() => {
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const over = (top, ground) => top.rgb.map((part, i) => part * top.a + ground[i] * (1 - top.a));
  const ground = (e) => e ? over(parse(getComputedStyle(e).backgroundColor), ground(e.parentElement)) : [255, 255, 255];
  const light = (rgb) => {
    const [r, g, b] = rgb.map((part) => part / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  return [...document.querySelectorAll('body *')]
    .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((e) => [contrast(light(parse(getComputedStyle(e).color).rgb), light(ground(e))), e.className, e.textContent])
    .filter(([ratio]) => ratio < 4.5);
}"""
