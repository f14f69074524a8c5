-- Answers: how long did each stage take in earlier looks, where it went well?
-- Parameters: registry; repository, whose image is meant; before, a time; most, how many looks.
-- Tables: diagnosed, the diagnoses that were kept.
-- Columns: stage, runs, since, p50_ms, p95_ms (nearest rank: times that really occurred).
WITH
seen AS (
    SELECT checks.registry, '' AS repository, stage, status, ms, snapshots.taken_at
    FROM checks
    JOIN snapshots USING (snapshot)
    UNION ALL
    SELECT registry, repository, stage, status, ms, taken_at FROM diagnosed
),
alike AS (
    SELECT stage, ms, taken_at
    FROM seen
    WHERE registry = $registry
        AND status IN ('ok', 'warn')
        AND ms IS NOT NULL
        AND taken_at < $before::TIMESTAMPTZ
        -- How long an image takes says little of another one.
        AND (stage NOT IN ('manifest', 'blob', 'throughput') OR repository = $repository)
    QUALIFY row_number() OVER (PARTITION BY stage ORDER BY taken_at DESC, ms) <= $most
)
SELECT
    stage,
    count(*) AS runs,
    min(taken_at) AS since,
    list_sort(list(ms))[ceil(0.50 * count(*))::BIGINT] AS p50_ms,
    list_sort(list(ms))[ceil(0.95 * count(*))::BIGINT] AS p95_ms
FROM alike
GROUP BY stage
ORDER BY stage
