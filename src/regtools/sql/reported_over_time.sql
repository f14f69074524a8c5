-- Answers: which totals of their own did the vendors tell, scan by scan, that have a limit?
-- Parameters: none.
-- Columns: snapshot, registry, scope, name, kind, source, taken_at, bytes, limit_bytes.
SELECT
    reported.snapshot,
    reported.registry,
    reported.scope,
    reported.name,
    reported.kind,
    reported.source,
    snapshots.taken_at,
    reported.bytes,
    reported.limit_bytes
FROM reported
JOIN snapshots USING (snapshot)
WHERE reported.limit_bytes > 0
ORDER BY reported.registry, reported.scope, reported.name, reported.kind, snapshots.taken_at
