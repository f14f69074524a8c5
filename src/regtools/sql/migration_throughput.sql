-- Answers: how fast did layers of this registry come when somebody last looked?
-- Parameters: $registry.
-- Tables: diagnosed, the diagnoses that were kept; scans move no layers.
-- Columns: evidence (JSON), taken_at.
SELECT evidence, taken_at
FROM diagnosed
WHERE registry = $registry AND stage = 'throughput' AND status IN ('ok', 'warn')
ORDER BY taken_at DESC
LIMIT 1
