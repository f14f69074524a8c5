-- Answers: what failed in each look at a registry: a scan, or a kept diagnosis of the registry itself?
-- Parameters: none.
-- Tables: diagnosed, the diagnoses that were kept.
-- Columns: registry, look, taken_at, code (of what failed, a row each; NULL: nothing did).
WITH
made AS (
    SELECT registry, snapshot AS look, taken_at FROM snapshots
    UNION
    SELECT registry, diagnosis AS look, taken_at FROM diagnosed WHERE repository = ''
),
failures AS (
    SELECT registry, snapshot AS look, code FROM checks WHERE status = 'fail'
    UNION
    SELECT registry, snapshot AS look, code FROM problems
    UNION
    SELECT registry, diagnosis AS look, code
    FROM diagnosed
    WHERE repository = '' AND status = 'fail'
)
SELECT made.registry, made.look, made.taken_at, failures.code
FROM made
LEFT JOIN failures ON failures.registry = made.registry AND failures.look = made.look
ORDER BY made.registry, made.taken_at, made.look, failures.code
