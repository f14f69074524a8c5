-- Answers: which base images are there, and what does sharing them save?
-- Parameters: none; tables places, roots, items, reach of one state, standing, base_chains.
-- Columns: registry, base ('': no image is exactly this), platform, layers, size, images (that stand
--          on it), repositories, saved_bytes, saved_high_bytes, verdict, oldest, oldest_at, newest,
--          newest_at, chain, dedup_scope, complete.
WITH
members AS (
    SELECT standing.*
    FROM standing
    SEMI JOIN base_chains USING (registry, chain)
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
platforms AS (
    SELECT registry, platform, count(DISTINCT image) AS images
    FROM standing
    GROUP BY registry, platform
),
registries AS (
    SELECT registry, any_value(dedup_scope) AS dedup_scope, bool_and(complete) AS complete
    FROM places
    GROUP BY registry
)
SELECT
    chains.registry,
    chains.base,
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
    chains.digests AS chain,
    registries.dedup_scope,
    registries.complete AND chains.known AS complete
FROM base_chains AS chains
JOIN registries USING (registry)
JOIN homes USING (registry, chain)
JOIN spared USING (registry, chain)
JOIN dependants USING (registry, chain)
JOIN platforms USING (registry, platform)
ORDER BY saved_bytes DESC, saved_high_bytes DESC, images DESC, registry, base, chain
