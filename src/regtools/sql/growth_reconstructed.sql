-- Answers: how much of what a state holds was already there at the start of earlier months?
-- Parameters: $earliest, before which no date is believed; tables places, roots, items, reach,
--             dates, months(state, month).
-- Columns: registry, taken_at, logical_bytes, physical_bytes, tags, repositories.
WITH
-- The registry's own date tells more than the image's: an old image may be pushed late.
dated AS (
    SELECT
        places.state,
        places.registry,
        places.storage,
        roots.place,
        roots.root,
        roots.tag,
        date_trunc('day', coalesce(roots.pushed_at, dates.made_at)) AS day
    FROM roots
    JOIN places USING (place)
    LEFT JOIN dates USING (node)
    WHERE NOT roots.follows
        AND coalesce(roots.pushed_at, dates.made_at) >= $earliest
        AND places.state IN (SELECT state FROM months)
),
root_sizes AS (
    SELECT root, sum(size) AS size FROM reach JOIN items USING (item) GROUP BY root
),
tag_days AS (
    SELECT
        state,
        registry,
        day,
        coalesce(sum(size) FILTER (WHERE tag IS NOT NULL), 0) AS logical,
        count(tag) AS tags
    FROM dated
    LEFT JOIN root_sizes USING (root)
    GROUP BY state, registry, day
),
first_held AS (
    SELECT state, registry, storage, item, min(day) AS day
    FROM dated
    JOIN reach USING (root)
    WHERE stored
    GROUP BY state, registry, storage, item
),
item_days AS (
    SELECT state, registry, day, sum(size) AS physical
    FROM first_held
    JOIN items USING (item)
    GROUP BY state, registry, day
),
repository_days AS (
    SELECT state, registry, day, count(*) AS repositories
    FROM (SELECT state, registry, place, min(day) AS day FROM dated GROUP BY state, registry, place)
        AS firsts
    GROUP BY state, registry, day
),
additions AS (
    SELECT state, registry, day, logical, 0 AS physical, tags, 0 AS repositories FROM tag_days
    UNION ALL
    SELECT state, registry, day, 0, physical, 0, 0 FROM item_days
    UNION ALL
    SELECT state, registry, day, 0, 0, 0, repositories FROM repository_days
)
SELECT
    additions.registry,
    months.month AS taken_at,
    sum(logical) AS logical_bytes,
    sum(physical) AS physical_bytes,
    sum(tags) AS tags,
    sum(repositories) AS repositories
FROM months
JOIN additions ON additions.state = months.state AND additions.day < months.month
GROUP BY additions.registry, months.month
ORDER BY additions.registry, months.month
