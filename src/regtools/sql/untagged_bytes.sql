-- Answers: how many of the stored bytes does each registry hold in manifests without a tag only?
-- Parameters: $state; tables places, roots, items, reach.
-- Columns: registry, untagged (manifests that no tag leads to), unread (of them, without a size),
--          untagged_bytes.
WITH
loose AS (
    SELECT
        places.registry,
        count(*) AS untagged,
        count(*) FILTER (WHERE roots.node IS NULL) AS unread
    FROM roots
    JOIN places ON places.place = roots.place
    WHERE places.state = $state AND roots.tag IS NULL
    GROUP BY places.registry
),
held AS (
    SELECT
        places.registry,
        places.storage,
        reach.item,
        bool_or(roots.tag IS NOT NULL) AS is_tagged
    FROM roots
    JOIN places ON places.place = roots.place
    JOIN reach ON reach.root = roots.root
    WHERE places.state = $state AND reach.stored
    GROUP BY places.registry, places.storage, reach.item
),
sizes AS (
    SELECT held.registry, sum(items.size) AS size
    FROM held
    JOIN items ON items.item = held.item
    WHERE NOT held.is_tagged
    GROUP BY held.registry
)
SELECT
    loose.registry,
    loose.untagged,
    loose.unread,
    coalesce(sizes.size, 0) AS untagged_bytes
FROM loose
LEFT JOIN sizes ON sizes.registry = loose.registry
ORDER BY loose.registry
