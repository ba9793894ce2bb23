-- How sagas stand, with what they still wait for and whether that needs somebody.
SELECT s.*, t.next_due_at, coalesce(c.error, e.error) AS error,
       CASE WHEN c.attempts >= %(attempts)s THEN 'command-failing'
            WHEN s.ended THEN NULL
            WHEN t.next_due_at < clock_timestamp() - make_interval(secs => %(overdue_s)s) THEN 'timer-overdue'
            WHEN e.failures > 0 THEN 'effect-failing'
            WHEN c.commands = 0 AND t.next_due_at IS NULL AND e.effects = 0
                 AND s.stepped_at < clock_timestamp() - make_interval(secs => %(overdue_s)s) THEN 'nothing-pending'
       END AS stuck
FROM views.sagas s
CROSS JOIN LATERAL (
    SELECT count(*) AS commands, max(attempts) AS attempts, max(error) AS error
    FROM saga_commands WHERE stream_id = s.saga_id) c
CROSS JOIN LATERAL (SELECT min(due_at) AS next_due_at FROM saga_timers WHERE stream_id = s.saga_id) t
CROSS JOIN LATERAL (
    SELECT count(*) AS effects, max(failures) AS failures, max(error) AS error
    FROM effects WHERE correlation_id = s.correlation_id) e
