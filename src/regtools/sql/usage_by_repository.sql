-- Answers: how many bytes does each repository hold, alone and with others?
-- Parameters: none; tables places, roots, items, reach.
-- Columns: place, state, registry, repository, tags, logical_bytes, physical_bytes,
--          exclusive_bytes, dedup_scope, complete.
WITH
tops AS (
    SELECT place, root, count(*) AS tags FROM roots GROUP BY place, root
),
root_sizes AS (
    SELECT root, sum(size) AS logical, bool_and(known) AS known
    FROM reach
    JOIN items USING (item)
    GROUP BY root
),
added_up AS (
    SELECT place, sum(tags) AS tags, sum(tags * logical) AS logical, bool_and(known) AS known
    FROM tops
    LEFT JOIN root_sizes USING (root)
    GROUP BY place
),
held AS (
    SELECT DISTINCT place, item FROM tops JOIN reach USING (root) WHERE stored
),
holders AS (
    SELECT scope, item, count(*) AS holders
    FROM held
    JOIN places USING (place)
    GROUP BY scope, item
),
stored AS (
    SELECT
        place,
        sum(size) AS physical,
        sum(size) FILTER (WHERE holders = 1) AS exclusive
    FROM held
    JOIN places USING (place)
    JOIN holders USING (scope, item)
    JOIN items USING (item)
    GROUP BY place
)
SELECT
    place,
    places.state,
    places.registry,
    places.repository,
    coalesce(tags, 0) AS tags,
    coalesce(logical, 0) AS logical_bytes,
    coalesce(physical, 0) AS physical_bytes,
    coalesce(exclusive, 0) AS exclusive_bytes,
    places.dedup_scope,
    places.complete AND coalesce(known, TRUE) AS complete
FROM places
LEFT JOIN added_up USING (place)
LEFT JOIN stored USING (place)
ORDER BY physical_bytes DESC, registry, repository, state
