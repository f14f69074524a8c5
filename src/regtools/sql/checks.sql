-- Answers: how far did the newest look at each registry come, stage by stage?
-- Parameters: none.
-- Tables: diagnosed, the diagnoses that were kept. A stage counts as the newest of the newest scan
-- and the newest diagnosis of the registry itself saw it.
-- Columns: registry, stage, code, status, ms, summary, evidence, remedy.
WITH
scanned AS (
    SELECT checks.*, snapshots.taken_at
    FROM checks
    JOIN snapshots USING (snapshot)
    QUALIFY dense_rank() OVER (
        PARTITION BY checks.registry ORDER BY snapshots.taken_at DESC, snapshots.snapshot DESC
    ) = 1
),
walked AS (
    SELECT *
    FROM diagnosed
    WHERE repository = ''
    QUALIFY dense_rank() OVER (PARTITION BY registry ORDER BY taken_at DESC, diagnosis DESC) = 1
),
looks AS (
    SELECT registry, stage, code, status, ms, summary, evidence, remedy, taken_at FROM scanned
    UNION ALL
    SELECT registry, stage, code, status, ms, summary, evidence, remedy, taken_at FROM walked
),
newest AS (
    SELECT *
    FROM looks
    QUALIFY rank() OVER (PARTITION BY registry, stage ORDER BY taken_at DESC) = 1
)
SELECT registry, stage, code, status, ms, summary, evidence, remedy
FROM newest
ORDER BY
    registry,
    list_position(
        [
            'reference', 'configuration', 'resolve', 'connect', 'tls', 'http', 'challenge',
            'credentials', 'token', 'auth', 'listing', 'manifest', 'blob', 'throughput', 'limits',
            'storage', 'push', 'content'
        ],
        stage
    ),
    stage
