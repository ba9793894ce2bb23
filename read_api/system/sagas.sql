-- How sagas stand, with what they still wait for and whether that needs somebody.
SELECT s.*, t.next_due_at, coalesce(c.error, e.error) AS error,
       CASE WHEN c.attempts >= %(attempts)s THEN 'command-failing'
            WHEN s.ended THEN NULL
            WHEN t.next_due_at < %(now)s::timestamptz - make_interval(secs => %(overdue_s)s) THEN 'timer-overdue'
            WHEN e.failures > 0 THEN 'effect-failing'
            WHEN c.commands = 0 AND t.next_due_at IS NULL AND e.effects = 0
                 AND s.stepped_at < clock_timestamp() - make_interval(secs => %(overdue_s)s) THEN 'nothing-pending'
       END AS stuck
FROM views.sagas s
CROSS JOIN LATERAL (
    SELECT count(*) AS commands, max(attempts) AS attempts, max(error) AS error
    FROM saga_commands WHERE stream_id = s.saga_id) c
CROSS JOIN LATERAL (
    -- Within the years that Python has, whatever stands in the row.
    SELECT CASE WHEN min(due_at) < '2000-01-01' THEN '2000-01-01' WHEN min(due_at) > '9999-01-01' THEN '9999-01-01'
                ELSE min(due_at) END AS next_due_at
    FROM saga_timers WHERE stream_id = s.saga_id) t
CROSS JOIN LATERAL (
    SELECT count(*) AS effects, max(failures) AS failures, max(error) AS error
    FROM effects WHERE correlation_id = s.correlation_id) e
