-- PROBE: whether a webhook could be stored now. It writes as PUT does and so fails where PUT would: a full server, one that
-- only reads, one that cannot write to its disk. Says also when a worker was here last, what it answers from, and how it
-- stands with the model.
redis.call('SET', P .. 'mark', '1')
return {now, redis.call('GET', P .. 'beat') or '', redis.call('HGET', P .. 'shop', 'knowledge') or '',
  redis.call('HMGET', P .. 'model', 'spent', 'day_ends', 'budget', 'failures', 'shut_until')}
