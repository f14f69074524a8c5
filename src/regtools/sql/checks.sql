-- Answers: how far did the newest look at each registry come, stage by stage?
-- Parameters: none.
-- Columns: registry, stage, code, status, ms, summary, evidence, remedy.
WITH
newest AS (
    SELECT checks.*
    FROM checks
    JOIN snapshots USING (snapshot)
    QUALIFY dense_rank() OVER (
        PARTITION BY checks.registry ORDER BY snapshots.taken_at DESC, snapshots.snapshot DESC
    ) = 1
)
SELECT registry, stage, code, status, ms, summary, evidence, remedy
FROM newest
ORDER BY
    registry,
    list_position(
        ['resolve', 'connect', 'tls', 'http', 'auth', 'listing', 'manifest', 'blob', 'limits'],
        stage
    ),
    stage
