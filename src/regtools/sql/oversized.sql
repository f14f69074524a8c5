-- Answers: which stored layers are larger than wanted, or more than half of an image, and how much of
--          them could versions of an image share at most, were they split?
-- Parameters: $at_least; tables places, roots, items, reach of one state, layers, images
--             (bases_images).
-- Columns: registry, digest, size, reason (size, share or both), share (of the image in which it is
--          the largest part), images, repositories, tags, found_in, split_saves_bytes, dedup_scope,
--          complete.
WITH
listed AS (
    SELECT DISTINCT
        layers.manifest, layers.position, layers."foreign", items.item, items.size, items.known
    FROM layers
    JOIN items ON items.digest = layers.blob
),
-- What one pull of an image moves.
image_sizes AS (
    SELECT image, sum(size) AS size
    FROM (
        SELECT images.image, listed.item, listed.size
        FROM images
        JOIN listed ON listed.manifest = images.digest
        UNION
        SELECT images.image, items.item, items.size
        FROM images
        JOIN nodes USING (node)
        JOIN items ON items.digest IN (nodes.digest, nodes.config_digest)
    ) AS once
    GROUP BY image
),
parts AS (
    SELECT
        images.registry,
        images.image,
        images.platform,
        images.name,
        listed.position,
        listed.item,
        listed.size,
        listed.size / nullif(image_sizes.size, 0) AS share
    FROM images
    JOIN listed ON listed.manifest = images.digest
    JOIN image_sizes USING (image)
    WHERE NOT listed."foreign"
),
shares AS (
    SELECT
        registry,
        item,
        max(share) AS share,
        count(DISTINCT image) AS images,
        arg_max(name, (share, name)) AS found_in
    FROM parts
    GROUP BY registry, item
),
homes AS (
    SELECT
        places.registry,
        reach.item,
        count(DISTINCT place) AS repositories,
        sum(tops.tags) AS tags,
        min(places.repository) AS repository
    FROM (
        SELECT place, root, count(tag) AS tags FROM roots WHERE NOT follows GROUP BY place, root
    ) AS tops
    JOIN places USING (place)
    JOIN reach USING (root)
    JOIN (SELECT DISTINCT item FROM listed WHERE NOT "foreign") AS layer_items USING (item)
    WHERE reach.stored
    GROUP BY places.registry, reach.item
),
-- Layers at the same place of images of one platform in one repository: versions of each other.
versions AS (
    SELECT DISTINCT places.registry, place, parts.platform, parts.position, parts.item, parts.size
    FROM parts
    JOIN reach ON reach.item = parts.image
    JOIN (SELECT DISTINCT place, root FROM roots WHERE NOT follows) AS tops USING (root)
    JOIN places USING (place)
    WHERE places.registry = parts.registry
),
ranked AS (
    SELECT
        *,
        row_number() OVER (siblings ORDER BY size DESC, item) AS rank,
        first_value(size) OVER (siblings ORDER BY size DESC, item) AS largest,
        nth_value(size, 2) OVER (
            siblings
            ORDER BY size DESC, item ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS second
    FROM versions
    WINDOW siblings AS (PARTITION BY place, platform, position)
),
splits AS (
    SELECT
        registry,
        item,
        max(least(size, CASE WHEN rank = 1 THEN coalesce(second, 0) ELSE largest END)) AS bytes
    FROM ranked
    GROUP BY registry, item
),
registries AS (
    SELECT registry, any_value(dedup_scope) AS dedup_scope, bool_and(complete) AS complete
    FROM places
    GROUP BY registry
)
SELECT
    homes.registry,
    items.digest,
    items.size,
    CASE
        WHEN items.size < $at_least THEN 'share'
        WHEN shares.share > 0.5 THEN 'size and share'
        ELSE 'size'
    END AS reason,
    shares.share,
    coalesce(shares.images, 0) AS images,
    homes.repositories,
    homes.tags,
    coalesce(shares.found_in, homes.repository) AS found_in,
    coalesce(splits.bytes, 0) AS split_saves_bytes,
    registries.dedup_scope,
    registries.complete AND items.known AS complete
FROM homes
JOIN items USING (item)
JOIN registries USING (registry)
LEFT JOIN shares USING (registry, item)
LEFT JOIN splits USING (registry, item)
WHERE items.known AND (items.size >= $at_least OR shares.share > 0.5)
ORDER BY items.size DESC, homes.registry, items.digest
