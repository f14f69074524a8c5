-- Answers: on which chains of layers do several images stand, and what does sharing them save?
-- Parameters: none; tables places, roots, items, reach of one state, images.
-- Columns: registry, base ('': no image is exactly this), platform, layers, size, images (that stand
--          on it), repositories, saved_bytes, saved_high_bytes, verdict, oldest, oldest_at, newest,
--          newest_at, chain, dedup_scope, complete.
WITH
rows_of_images AS (
    SELECT DISTINCT
        images.node,
        layers.position,
        items.item,
        items.known,
        layers."foreign",
        items.size
    FROM (SELECT DISTINCT node, digest FROM images) AS images
    JOIN layers ON layers.manifest = images.digest
    JOIN items ON items.digest = layers.blob
),
-- A layer listed twice is stored once.
once AS (
    SELECT
        *,
        CASE
            WHEN NOT "foreign"
                AND row_number() OVER (PARTITION BY node, item, "foreign" ORDER BY position) = 1
                THEN size
            ELSE 0
        END AS bytes
    FROM rows_of_images
),
-- Each image's chain, cut after every layer; equal chains have equal numbers.
prefixes AS (
    SELECT
        node,
        item,
        position,
        count(*) OVER chain AS depth,
        md5_number(string_agg(item::VARCHAR, ' ') OVER chain) AS chain,
        sum(bytes) OVER chain AS bytes,
        bool_and(known) OVER chain AS known,
        lead(item) OVER (PARTITION BY node ORDER BY position) AS following
    FROM once
    WINDOW chain AS (
        PARTITION BY node ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),
standing AS (
    SELECT images.*, prefixes.* EXCLUDE (node)
    FROM images
    JOIN prefixes USING (node)
),
-- A chain that all its images continue with the same layer is only a part of a longer one.
chains AS (
    SELECT
        registry,
        chain,
        any_value(depth) AS layers,
        max(bytes) AS size,
        bool_and(known) AS known,
        min(node) AS example,
        min(platform) AS platform,
        count(following) AS images,
        count(*) - count(following) AS exactly
    FROM standing
    GROUP BY registry, chain
    HAVING count(*) > 1
        AND count(following) > 0
        AND (count(following) < count(*) OR count(DISTINCT following) > 1)
),
members AS (
    SELECT standing.*
    FROM standing
    SEMI JOIN chains USING (registry, chain)
),
-- The newest image that is exactly this chain gives its name.
names AS (
    SELECT
        registry,
        chain,
        arg_min(
            name, (made_at IS NULL, -epoch_us(coalesce(made_at, 'epoch'::TIMESTAMPTZ)), name)
        ) AS base
    FROM members
    WHERE following IS NULL AND NOT contains(name, '@')
    GROUP BY registry, chain
),
dependants AS (
    SELECT
        registry,
        chain,
        min(made_at) AS oldest_at,
        max(made_at) AS newest_at,
        arg_min(name, (made_at, name)) FILTER (WHERE made_at IS NOT NULL) AS oldest,
        arg_max(name, (made_at, name)) FILTER (WHERE made_at IS NOT NULL) AS newest
    FROM members
    WHERE following IS NOT NULL
    GROUP BY registry, chain
),
held AS (
    SELECT DISTINCT places.registry, places.place, places.scope, places.storage, reach.item AS image
    FROM (SELECT DISTINCT image FROM members) AS wanted
    JOIN reach ON reach.item = wanted.image
    JOIN (SELECT DISTINCT place, root FROM roots WHERE NOT follows) AS tops USING (root)
    JOIN places USING (place)
),
homes AS (
    SELECT members.registry, members.chain, count(DISTINCT held.place) AS repositories
    FROM members
    JOIN held USING (registry, image)
    WHERE members.following IS NOT NULL
    GROUP BY members.registry, members.chain
),
-- Of the copies that images would have each for itself, one stays in each bound.
spared AS (
    SELECT
        members.registry,
        members.chain,
        count(DISTINCT (held.storage, held.image)) - count(DISTINCT held.storage) AS least,
        count(DISTINCT (held.scope, held.image)) - count(DISTINCT held.scope) AS most
    FROM members
    JOIN held USING (registry, image)
    GROUP BY members.registry, members.chain
),
listed AS (
    SELECT
        chains.registry,
        chains.chain,
        list(items.digest ORDER BY prefixes.position) AS digests
    FROM chains
    JOIN prefixes ON prefixes.node = chains.example AND prefixes.depth <= chains.layers
    JOIN items USING (item)
    GROUP BY chains.registry, chains.chain
),
-- An image without a layer could stand on nothing.
platforms AS (
    SELECT registry, platform, count(*) AS images
    FROM images
    SEMI JOIN prefixes USING (node)
    GROUP BY registry, platform
),
registries AS (
    SELECT registry, any_value(dedup_scope) AS dedup_scope, bool_and(complete) AS complete
    FROM places
    GROUP BY registry
)
SELECT
    chains.registry,
    coalesce(names.base, '') AS base,
    chains.platform,
    chains.layers,
    chains.size,
    chains.images,
    homes.repositories,
    chains.size * spared.least AS saved_bytes,
    chains.size * spared.most AS saved_high_bytes,
    CASE
        WHEN chains.images = 1 AND platforms.images - chains.exactly > 1 THEN 'nearly unused'
        WHEN chains.size * spared.most > 0 THEN 'pays off'
        ELSE 'saves nothing'
    END AS verdict,
    coalesce(dependants.oldest, '') AS oldest,
    dependants.oldest_at,
    coalesce(dependants.newest, '') AS newest,
    dependants.newest_at,
    listed.digests AS chain,
    registries.dedup_scope,
    registries.complete AND chains.known AS complete
FROM chains
JOIN registries USING (registry)
JOIN homes USING (registry, chain)
JOIN spared USING (registry, chain)
JOIN dependants USING (registry, chain)
JOIN listed USING (registry, chain)
JOIN platforms USING (registry, platform)
LEFT JOIN names USING (registry, chain)
ORDER BY saved_bytes DESC, saved_high_bytes DESC, images DESC, registry, base, chain
