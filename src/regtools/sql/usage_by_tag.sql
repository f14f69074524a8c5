-- Answers: how many bytes does each tag reach, alone and with others, and what does a pull cost?
-- Parameters: $state; tables places, roots, items, reach, created.
-- Columns: registry, repository, tag, digest, logical_bytes, physical_bytes, exclusive_bytes,
--          pull_bytes, created_at, pushed_at, dedup_scope, complete.
WITH
tops AS (
    SELECT scope, root, count(*) AS tags
    FROM roots
    JOIN places USING (place)
    WHERE places.state = $state
    GROUP BY scope, root
),
holders AS (
    SELECT scope, item, sum(tags) AS tags
    FROM tops
    JOIN reach USING (root)
    WHERE stored
    GROUP BY scope, item
),
exclusive AS (
    SELECT scope, root, sum(size) AS size
    FROM tops
    JOIN reach USING (root)
    JOIN holders USING (scope, item)
    JOIN items USING (item)
    WHERE stored AND holders.tags = 1
    GROUP BY scope, root
),
root_sizes AS (
    SELECT
        root,
        sum(size) AS logical,
        sum(size) FILTER (WHERE stored) AS physical,
        sum(size) FILTER (WHERE pulled) AS pull,
        bool_and(known) AS known
    FROM reach
    JOIN items USING (item)
    GROUP BY root
)
SELECT
    places.registry,
    places.repository,
    roots.tag,
    roots.digest,
    coalesce(root_sizes.logical, 0) AS logical_bytes,
    coalesce(root_sizes.physical, 0) AS physical_bytes,
    coalesce(exclusive.size, 0) AS exclusive_bytes,
    coalesce(root_sizes.pull, 0) AS pull_bytes,
    created.created_at,
    roots.pushed_at,
    places.dedup_scope,
    places.complete AND coalesce(root_sizes.known, FALSE) AS complete
FROM roots
JOIN places USING (place)
LEFT JOIN root_sizes USING (root)
LEFT JOIN created USING (root)
LEFT JOIN exclusive USING (scope, root)
WHERE places.state = $state
ORDER BY physical_bytes DESC, registry, repository, tag
