-- How much waits to be measured, and how long a recording took of late: from the end of the one before it, or from
-- its own request where nothing was waiting then. A quarter of an hour without a measurement tells nothing any more.
WITH ended AS (
    SELECT stream_id, stream_version, recorded_at, lead(recorded_at) OVER (ORDER BY position DESC) AS before
      FROM (SELECT * FROM events
             WHERE category = 'analysis' AND type IN ('analysis.completed', 'analysis.attempt_failed')
             ORDER BY position DESC LIMIT 31) newest
), took AS (
    SELECT extract(epoch FROM e.recorded_at - greatest(e.before, asked.recorded_at))::float8 AS seconds
      FROM ended e JOIN events asked USING (stream_id)
     WHERE asked.stream_version = e.stream_version - 1 AND e.before IS NOT NULL
       AND e.recorded_at > clock_timestamp() - interval '15 minutes'
)
SELECT (SELECT count(*) FROM effects WHERE effect IN ('probe', 'analyse') AND rank = 0) AS uploads,
       (SELECT count(*) FROM effects WHERE effect = 'analyse' AND rank > 0) AS again,
       (SELECT avg(seconds) FROM took HAVING count(*) > 1) AS pace_s
