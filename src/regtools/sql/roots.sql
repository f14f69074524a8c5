-- Answers: which manifest does each tag name? The same digest in one snapshot is one root.
-- Parameters: none; table places.
-- Columns: place, tag, digest, pushed_at, root.
SELECT
    places.place,
    tags.tag,
    tags.digest,
    tags.pushed_at,
    dense_rank() OVER (ORDER BY places.snapshot, tags.digest) AS root
FROM places
JOIN tags ON tags.snapshot = places.snapshot AND tags.repository = places.repository
ORDER BY places.place, tags.tag
