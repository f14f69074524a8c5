-- Answers: how many bytes does each platform hold? An attestation belongs to the platform of the
--          image that it is about, a referrer to that of its subject where it is an image. Indexes
--          and artifacts have rows of their own.
-- Parameters: none; tables places, nodes, links, roots, items, reach of one state.
-- Columns: registry, platform, images, tags, logical_bytes, physical_low_bytes,
--          physical_high_bytes, exclusive_bytes, pull_bytes, foreign_bytes, dedup_scope, complete.
WITH RECURSIVE
tops AS (
    SELECT DISTINCT root, context, node FROM roots WHERE node IS NOT NULL AND NOT follows
),
indexes AS (
    SELECT parent AS node FROM links WHERE place IS NULL
    UNION
    SELECT node
    FROM nodes
    WHERE contains(media_type, 'image.index') OR contains(media_type, 'manifest.list')
),
labels AS (
    SELECT
        nodes.node,
        CASE
            WHEN indexes.node IS NOT NULL THEN 'index'
            -- BuildKit's attestations and old cosign's signatures say so: no platform.
            WHEN starts_with(nodes.platform, 'unknown') THEN NULL
            ELSE nodes.platform
        END AS label
    FROM nodes
    LEFT JOIN indexes USING (node)
),
-- What an index says of its children, where that is a platform.
listed AS (
    SELECT
        parent.node AS parent,
        child.node AS child,
        children.child AS digest,
        children.attests,
        coalesce(
            labels.label,
            CASE WHEN NOT starts_with(children.platform, 'unknown') THEN children.platform END
        ) AS label
    FROM children
    JOIN nodes AS parent ON parent.snapshot = children.snapshot AND parent.digest = children.parent
    -- A sparse mirror lacks some images, but has the attestations about them.
    LEFT JOIN nodes AS child
        ON child.snapshot = children.snapshot AND child.digest = children.child
    LEFT JOIN labels ON labels.node = child.node
),
-- How a manifest is reached decides what it counts as. What is bound takes all that hangs below it
-- along: an attestation, and later a referrer, of a manifest that has a platform.
moves AS (
    SELECT
        listed.parent,
        listed.child,
        coalesce(nullif(about.label, 'index'), listed.label, 'artifact') AS label,
        coalesce(about.label <> 'index', FALSE) AS bound,
        NULL::INTEGER AS place
    FROM listed
    LEFT JOIN listed AS about ON about.parent = listed.parent AND about.digest = listed.attests
    WHERE listed.child IS NOT NULL
    UNION ALL
    SELECT links.parent, links.child, coalesce(labels.label, 'artifact'), FALSE, links.place
    FROM links
    JOIN labels ON labels.node = links.child
    WHERE links.place IS NOT NULL
),
labelled_tops AS (
    SELECT root, context, tops.node, coalesce(labels.label, 'artifact') AS label, FALSE AS bound
    FROM tops
    JOIN labels USING (node)
),
-- UNION keeps each way of counting once, so even a cycle comes to its end. Most roots lead to
-- nothing: only the others take part, since what a recursion holds it holds in memory.
below AS (
    SELECT labelled_tops.* FROM labelled_tops SEMI JOIN moves ON moves.parent = labelled_tops.node
    UNION
    SELECT
        below.root,
        below.context,
        moves.child,
        CASE
            WHEN below.bound THEN below.label
            WHEN moves.place IS NOT NULL AND below.label NOT IN ('index', 'artifact')
                THEN below.label
            ELSE moves.label
        END,
        below.bound
        OR moves.bound
        OR (moves.place IS NOT NULL AND below.label NOT IN ('index', 'artifact'))
    FROM below
    JOIN moves
        ON moves.parent = below.node
        AND (moves.place IS NULL OR moves.place = below.context)
),
reached AS (
    SELECT root, node, label, bound FROM labelled_tops
    UNION
    SELECT root, node, label, bound FROM below
),
contents AS (
    SELECT nodes.node, items.item, TRUE AS stored
    FROM nodes
    JOIN items ON items.digest = nodes.digest
    UNION ALL
    SELECT nodes.node, items.item, TRUE
    FROM nodes
    JOIN items ON items.digest = nodes.config_digest
    UNION ALL
    SELECT nodes.node, items.item, NOT layers."foreign"
    FROM layers
    JOIN nodes ON nodes.snapshot = layers.snapshot AND nodes.digest = layers.manifest
    JOIN items ON items.digest = layers.blob
),
labelled AS (
    SELECT root, label, item, bool_or(stored) AS stored
    FROM (SELECT DISTINCT root, node, label FROM reached) AS manifests_of
    JOIN contents USING (node)
    GROUP BY root, label, item
),
placed AS (
    SELECT place, registry, scope, storage, root, count(tag) AS tags
    FROM roots
    JOIN places USING (place)
    WHERE NOT follows
    GROUP BY place, registry, scope, storage, root
),
registries AS (
    SELECT registry, any_value(dedup_scope) AS dedup_scope, bool_and(complete) AS complete
    FROM places
    GROUP BY registry
),
-- An image counts once, whoever names it, with the bytes of one pull.
images AS (
    SELECT registry, label, count(*) AS images, sum(size) AS pull
    FROM (
        SELECT DISTINCT placed.registry, reached.label, nodes.digest, pulls.size
        FROM reached
        JOIN placed USING (root)
        JOIN nodes USING (node)
        JOIN (
            SELECT node, sum(size) AS size
            FROM (SELECT DISTINCT node, item FROM contents) AS once
            JOIN items USING (item)
            GROUP BY node
        ) AS pulls USING (node)
        WHERE NOT reached.bound
    ) AS every
    GROUP BY registry, label
),
tag_counts AS (
    SELECT registry, label, sum(tags) AS tags
    FROM (SELECT DISTINCT root, label FROM reached WHERE NOT bound) AS own
    JOIN placed USING (root)
    GROUP BY registry, label
),
sizes AS (
    SELECT root, label, sum(size) AS logical, bool_and(known) AS known
    FROM labelled
    JOIN items USING (item)
    GROUP BY root, label
),
added_up AS (
    SELECT registry, label, sum(tags * logical) AS logical, bool_and(known) AS known
    FROM placed
    JOIN sizes USING (root)
    GROUP BY registry, label
),
held AS (
    SELECT DISTINCT registry, label, scope, storage, item, stored
    FROM placed
    JOIN labelled USING (root)
),
elsewhere AS (
    SELECT registry, label, sum(size) AS size
    FROM (SELECT registry, label, item FROM held GROUP BY ALL HAVING NOT bool_or(stored)) AS gone
    JOIN items USING (item)
    GROUP BY registry, label
),
least AS (
    SELECT
        registry,
        label,
        sum(size) AS size,
        sum(size) FILTER (WHERE holders = 1) AS exclusive
    FROM (
        SELECT registry, label, item, count(*) OVER (PARTITION BY scope, item) AS holders
        FROM (SELECT DISTINCT registry, label, scope, item FROM held WHERE stored) AS once
    ) AS counted
    JOIN items USING (item)
    GROUP BY registry, label
),
most AS (
    SELECT registry, label, sum(size) AS size
    FROM (SELECT DISTINCT registry, label, storage, item FROM held WHERE stored) AS once
    JOIN items USING (item)
    GROUP BY registry, label
)
SELECT
    registry,
    label AS platform,
    coalesce(images.images, 0) AS images,
    coalesce(tag_counts.tags, 0) AS tags,
    added_up.logical AS logical_bytes,
    coalesce(least.size, 0) AS physical_low_bytes,
    coalesce(most.size, 0) AS physical_high_bytes,
    coalesce(least.exclusive, 0) AS exclusive_bytes,
    coalesce(images.pull, 0) AS pull_bytes,
    coalesce(elsewhere.size, 0) AS foreign_bytes,
    registries.dedup_scope,
    registries.complete AND added_up.known AS complete
FROM added_up
JOIN registries USING (registry)
LEFT JOIN images USING (registry, label)
LEFT JOIN tag_counts USING (registry, label)
LEFT JOIN least USING (registry, label)
LEFT JOIN most USING (registry, label)
LEFT JOIN elsewhere USING (registry, label)
ORDER BY physical_high_bytes DESC, registry, platform
