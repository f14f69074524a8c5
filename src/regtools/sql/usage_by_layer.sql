-- Answers: which stored blobs (layers and configs) are the largest, and who uses them?
-- Parameters: $state; tables places, roots, items, reach.
-- Columns: registry, blob, role, media_type, size, repositories, tags, found_in, dedup_scope,
--          complete.
WITH
tops AS (
    SELECT place, root, count(tag) AS tags FROM roots WHERE NOT follows GROUP BY place, root
),
used AS (
    SELECT
        places.registry,
        reach.item,
        count(DISTINCT place) AS repositories,
        sum(tops.tags) AS tags,
        -- Places are numbered by name: the first repository that has it, as an example.
        min(place) AS first_place,
        any_value(places.dedup_scope) AS dedup_scope,
        bool_and(places.complete) AS complete
    FROM tops
    JOIN places USING (place)
    JOIN reach USING (root)
    JOIN items USING (item)
    WHERE places.state = $state AND reach.stored AND items.role <> 'manifest'
    GROUP BY places.registry, reach.item
)
SELECT
    used.registry,
    items.digest AS blob,
    items.role,
    items.media_type,
    items.size,
    used.repositories,
    used.tags,
    places.repository AS found_in,
    used.dedup_scope,
    used.complete AND items.known AS complete
FROM used
JOIN items USING (item)
JOIN places ON places.place = used.first_place
ORDER BY size DESC, registry, blob
