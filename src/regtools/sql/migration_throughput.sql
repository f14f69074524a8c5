-- Answers: how fast did layers of this registry come when somebody last looked?
-- Parameters: $registry.
-- Columns: evidence (JSON), taken_at.
SELECT checks.evidence, snapshots.taken_at
FROM checks
JOIN snapshots USING (snapshot)
WHERE checks.registry = $registry AND checks.stage = 'throughput' AND checks.status IN ('ok', 'warn')
ORDER BY snapshots.taken_at DESC
LIMIT 1
