-- Answers: how many tags and bytes are how old, by the date inside the image?
-- Parameters: none; tables places, roots, items, reach, dates, ages(number, since, until): an image
--             made after `since` and not after `until` is of that age; whose date nobody can believe
--             is of age 0.
-- Columns: registry, number (of the age), tags (not those that follow), logical_bytes, physical_bytes (each blob with the
--          youngest that holds it; one without a date may be of any age, and counts as younger), known (all sizes are).
WITH
dated AS (
    SELECT
        places.registry,
        places.storage,
        roots.root,
        roots.tag,
        coalesce(ages.number, 0) AS number
    FROM roots
    JOIN places USING (place)
    LEFT JOIN dates USING (node)
    LEFT JOIN ages ON dates.made_at > ages.since AND dates.made_at <= ages.until
    WHERE NOT roots.follows
),
root_sizes AS (
    SELECT root, sum(size) AS size FROM reach JOIN items USING (item) GROUP BY root
),
tagged AS (
    SELECT registry, number, count(*) AS tags, coalesce(sum(size), 0) AS logical
    FROM dated
    LEFT JOIN root_sizes USING (root)
    WHERE tag IS NOT NULL
    GROUP BY registry, number
),
youngest AS (
    SELECT
        registry,
        storage,
        item,
        coalesce(min(number) FILTER (WHERE stored), min(number)) AS number,
        bool_or(stored) AS stored
    FROM (SELECT DISTINCT registry, storage, root, number FROM dated) AS tops
    JOIN reach USING (root)
    GROUP BY registry, storage, item
),
held AS (
    SELECT
        registry,
        number,
        sum(size) FILTER (WHERE stored) AS physical,
        bool_and(known) AS known
    FROM youngest
    JOIN items USING (item)
    GROUP BY registry, number
)
SELECT
    registry,
    number,
    coalesce(tags, 0) AS tags,
    coalesce(logical, 0) AS logical_bytes,
    coalesce(physical, 0) AS physical_bytes,
    coalesce(known, TRUE) AS known
FROM tagged
FULL JOIN held USING (registry, number)
ORDER BY registry, number
