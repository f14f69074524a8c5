-- Answers: how many bytes did the scan see in each part of a registry for which somebody tells a
--          number of their own?
-- Parameters: none; tables asked(asked, registry, scope, name), places, roots, items, reach.
-- Columns: asked, repositories, physical_bytes (each blob once), tagged_bytes (of that, what tags
--          reach), logical_bytes (each tag by itself), repositories_bytes (each repository by
--          itself), shared_bytes (of the physical ones, what others have too), foreign_bytes.
WITH
inside AS (
    SELECT asked.asked, places.place, places.storage
    FROM asked
    JOIN places
        ON places.registry = asked.registry
        AND (
            asked.scope = 'registry'
            OR places.repository = asked.name
            OR (asked.scope <> 'repository' AND starts_with(places.repository, asked.name || '/'))
        )
),
tops AS (
    SELECT
        inside.asked,
        inside.place,
        inside.storage,
        roots.root,
        bool_or(roots.tag IS NOT NULL) AS tagged,
        count(roots.tag) FILTER (WHERE NOT roots.follows) AS tags
    FROM inside
    JOIN roots USING (place)
    GROUP BY ALL
),
weights AS (
    SELECT reach.root, sum(items.size) AS size
    FROM reach
    JOIN items USING (item)
    WHERE reach.stored
    GROUP BY reach.root
),
logical AS (
    SELECT tops.asked, sum(weights.size * tops.tags) AS size
    FROM tops
    JOIN weights USING (root)
    GROUP BY tops.asked
),
found AS (
    SELECT tops.asked, tops.place, tops.storage, reach.item, reach.stored, tops.tagged
    FROM tops
    JOIN reach USING (root)
),
by_repository AS (
    SELECT asked, sum(size) AS size
    FROM (SELECT DISTINCT asked, place, item FROM found WHERE stored) AS once
    JOIN items USING (item)
    GROUP BY asked
),
once AS (
    SELECT asked, storage, item, bool_or(tagged) AS tagged
    FROM found
    WHERE stored
    GROUP BY asked, storage, item
),
elsewhere AS (
    SELECT DISTINCT inside.asked, everywhere.item
    FROM (SELECT DISTINCT asked, storage FROM inside) AS inside
    JOIN (
        SELECT DISTINCT places.place, places.storage, reach.item
        FROM places
        JOIN roots USING (place)
        JOIN reach USING (root)
        WHERE reach.stored
    ) AS everywhere USING (storage)
    ANTI JOIN inside AS own ON own.asked = inside.asked AND own.place = everywhere.place
),
foreign_items AS (
    SELECT asked, sum(size) AS size
    FROM (SELECT asked, item FROM found GROUP BY asked, item HAVING NOT bool_or(stored)) AS every
    JOIN items USING (item)
    GROUP BY asked
),
physical AS (
    SELECT
        once.asked,
        sum(items.size) AS size,
        sum(items.size) FILTER (WHERE once.tagged) AS tagged,
        sum(items.size) FILTER (WHERE elsewhere.item IS NOT NULL) AS shared
    FROM once
    JOIN items USING (item)
    LEFT JOIN elsewhere USING (asked, item)
    GROUP BY once.asked
)
SELECT
    asked.asked,
    (SELECT count(*) FROM inside WHERE inside.asked = asked.asked) AS repositories,
    coalesce(physical.size, 0) AS physical_bytes,
    coalesce(physical.tagged, 0) AS tagged_bytes,
    coalesce(logical.size, 0) AS logical_bytes,
    coalesce(by_repository.size, 0) AS repositories_bytes,
    coalesce(physical.shared, 0) AS shared_bytes,
    coalesce(foreign_items.size, 0) AS foreign_bytes
FROM asked
LEFT JOIN physical USING (asked)
LEFT JOIN logical USING (asked)
LEFT JOIN by_repository USING (asked)
LEFT JOIN foreign_items USING (asked)
ORDER BY asked.asked
