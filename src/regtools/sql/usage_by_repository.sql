-- Answers: how many bytes does each repository hold, alone and with others?
-- Parameters: none; tables places, roots, items, reach, holdings.
-- Columns: place, state, registry, repository, tags, logical_bytes, physical_bytes,
--          exclusive_bytes, foreign_bytes, dedup_scope, complete, web_url.
WITH
tops AS (
    SELECT place, root, count(tag) AS tags FROM roots WHERE NOT follows GROUP BY place, root
),
tag_counts AS (
    SELECT place, count(tag) AS tags FROM roots GROUP BY place
),
root_sizes AS (
    SELECT root, sum(size) AS logical, bool_and(known) AS known
    FROM reach
    JOIN items USING (item)
    GROUP BY root
),
added_up AS (
    SELECT place, sum(tags * logical) AS logical, bool_and(known) AS known
    FROM tops
    LEFT JOIN root_sizes USING (root)
    GROUP BY place
),
elsewhere AS (
    SELECT place, sum(size) AS size
    FROM holdings
    JOIN items USING (item)
    WHERE NOT stored
    GROUP BY place
),
holders AS (
    SELECT scope, item, count(*) AS holders
    FROM holdings
    JOIN places USING (place)
    WHERE stored
    GROUP BY scope, item
),
stored AS (
    SELECT
        place,
        sum(size) AS physical,
        sum(size) FILTER (WHERE holders = 1) AS exclusive
    FROM holdings
    JOIN places USING (place)
    JOIN holders USING (scope, item)
    JOIN items USING (item)
    WHERE stored
    GROUP BY place
)
SELECT
    place,
    places.state,
    places.registry,
    places.repository,
    coalesce(tag_counts.tags, 0) AS tags,
    coalesce(logical, 0) AS logical_bytes,
    coalesce(physical, 0) AS physical_bytes,
    coalesce(exclusive, 0) AS exclusive_bytes,
    coalesce(elsewhere.size, 0) AS foreign_bytes,
    places.dedup_scope,
    places.complete AND coalesce(known, TRUE) AS complete,
    repositories.web_url
FROM places
LEFT JOIN repositories
    ON repositories.snapshot = places.snapshot AND repositories.repository = places.repository
LEFT JOIN tag_counts USING (place)
LEFT JOIN added_up USING (place)
LEFT JOIN stored USING (place)
LEFT JOIN elsewhere USING (place)
ORDER BY physical_bytes DESC, registry, repository, state
