-- Answers: which numbers of their own do the vendors tell in these snapshots?
-- Parameters: none.
-- Columns: registry, scope, name, kind, bytes, limit_bytes, source.
SELECT registry, scope, name, kind, bytes, limit_bytes, source FROM reported
UNION ALL
SELECT registry, 'repository', repository, 'vendor_bytes', vendor_bytes, NULL, 'the scan'
FROM repositories
WHERE vendor_bytes IS NOT NULL
ORDER BY registry, scope, name, kind
