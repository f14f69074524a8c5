-- Answers: which images are there: manifests that a client can run, each once for a registry in each
--          state? Attestations, referrers and artifacts are none.
-- Parameters: none; tables places, nodes, links, dates, roots, items, reach.
-- Columns: state, registry, image (its item), node, digest, platform, made_at, name (the tag that
--          was pushed last, as repository:tag; without one, as repository@digest).
WITH
attesting AS (
    SELECT child AS node FROM links WHERE attests
),
able AS (
    -- Where two scans saw the same manifest, one will do.
    SELECT items.item AS image, min(nodes.node) AS node
    FROM nodes
    JOIN items USING (digest)
    ANTI JOIN attesting ON attesting.node = nodes.node
    WHERE nodes.artifact_type IS NULL
        AND nodes.subject IS NULL
        AND nodes.platform IS NOT NULL
        AND NOT starts_with(nodes.platform, 'unknown')
    GROUP BY items.item
),
named AS (
    SELECT
        places.state,
        places.registry,
        reach.item AS image,
        arg_min(
            places.repository || coalesce(':' || roots.tag, '@' || items.digest),
            (
                roots.tag IS NULL,
                NOT reach.own,
                -epoch_us(coalesce(roots.pushed_at, 'epoch'::TIMESTAMPTZ)),
                places.repository,
                roots.tag
            )
        ) AS name
    FROM able
    JOIN reach ON reach.item = able.image
    JOIN items ON items.item = able.image
    JOIN roots USING (root)
    JOIN places USING (place)
    WHERE NOT roots.follows
    GROUP BY places.state, places.registry, reach.item
)
SELECT
    named.state,
    named.registry,
    named.image,
    nodes.node,
    nodes.digest,
    nodes.platform,
    dates.made_at,
    named.name
FROM named
JOIN able USING (image)
JOIN nodes USING (node)
LEFT JOIN dates USING (node)
ORDER BY state, registry, image
