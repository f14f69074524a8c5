-- Answers: which tags named several manifests in turn, in these snapshots?
-- Parameters: none.
-- Columns: registry, repository, tag, moves, moved_at (when the last move was first seen).
WITH
named AS (
    SELECT
        snapshots.registry,
        tags.repository,
        tags.tag,
        tags.digest,
        snapshots.taken_at,
        lag(tags.digest) OVER (
            PARTITION BY snapshots.registry, tags.repository, tags.tag
            ORDER BY snapshots.taken_at, snapshots.snapshot
        ) AS before
    FROM tags
    JOIN snapshots ON snapshots.snapshot = tags.snapshot
)
SELECT registry, repository, tag, count(*) AS moves, max(taken_at) AS moved_at
FROM named
WHERE before <> digest
GROUP BY registry, repository, tag
ORDER BY registry, repository, tag
