-- Answers: which stored layers are larger than wanted, and who has them?
-- Parameters: $at_least; tables places, nodes, roots, items, reach of one state, layers.
-- Columns: registry, digest, media_type, size, share (the largest part that it is of an image),
--          manifests, repositories, tags, found_in (one of the repositories), dedup_scope, complete.
WITH
large AS (
    SELECT item, digest, size FROM items WHERE known AND size >= $at_least
),
-- The manifests that list one, with all that a pull of each moves.
listing AS (
    SELECT DISTINCT manifests.item AS manifest, manifests.digest, large.item, large.size
    FROM large
    JOIN layers ON layers.blob = large.digest
    JOIN items AS manifests ON manifests.digest = layers.manifest
    WHERE NOT layers."foreign"
),
pulls AS (
    SELECT manifest, sum(size) AS size
    FROM (
        SELECT listing.manifest, parts.item, parts.size
        FROM listing
        JOIN layers ON layers.manifest = listing.digest
        JOIN items AS parts ON parts.digest = layers.blob
        UNION
        SELECT listing.manifest, parts.item, parts.size
        FROM listing
        JOIN nodes ON nodes.digest = listing.digest
        JOIN items AS parts ON parts.digest IN (nodes.digest, nodes.config_digest)
    ) AS once
    GROUP BY manifest
),
tops AS (
    SELECT place, root, count(tag) AS tags FROM roots WHERE NOT follows GROUP BY place, root
),
homes AS (
    SELECT
        places.registry,
        reach.item,
        count(DISTINCT place) AS repositories,
        sum(tops.tags) AS tags,
        -- Places are numbered by name: the first repository, as an example.
        min(place) AS place
    FROM (SELECT DISTINCT item FROM listing) AS wanted
    JOIN reach USING (item)
    JOIN tops USING (root)
    JOIN places USING (place)
    WHERE reach.stored
    GROUP BY places.registry, reach.item
),
users AS (
    SELECT here.registry, listing.item, count(*) AS manifests, max(listing.size / pulls.size) AS share
    FROM listing
    JOIN pulls USING (manifest)
    JOIN (
        SELECT DISTINCT places.registry, reach.item AS manifest
        FROM (SELECT DISTINCT manifest FROM listing) AS wanted
        JOIN reach ON reach.item = wanted.manifest
        JOIN tops USING (root)
        JOIN places USING (place)
    ) AS here USING (manifest)
    GROUP BY here.registry, listing.item
),
registries AS (
    SELECT registry, any_value(dedup_scope) AS dedup_scope, bool_and(complete) AS complete
    FROM places
    GROUP BY registry
)
SELECT
    homes.registry,
    items.digest,
    items.media_type,
    items.size,
    users.share,
    users.manifests,
    homes.repositories,
    homes.tags,
    places.repository AS found_in,
    registries.dedup_scope,
    registries.complete
FROM homes
JOIN items USING (item)
JOIN users USING (registry, item)
JOIN registries USING (registry)
JOIN places ON places.place = homes.place
ORDER BY items.size DESC, homes.registry, items.digest
