-- Answers: what leads, upwards through indexes, to each manifest that the audit asks about?
-- Parameters: none; tables audit_gaps, audit_about.
-- Columns: snapshot, about (the digest asked about), node (what leads there, and itself), platform
--          (of what is asked about, as the lowest index says it), attests.
WITH RECURSIVE
asked AS (
    SELECT snapshot, digest FROM audit_gaps WHERE code = 'INDEX_CHILD_MISSING'
    UNION
    SELECT manifests.snapshot, manifests.digest
    FROM manifests
    JOIN audit_gaps
        ON audit_gaps.snapshot = manifests.snapshot
        AND audit_gaps.digest = manifests.config_digest
    UNION
    SELECT layers.snapshot, layers.manifest
    FROM layers
    JOIN audit_gaps
        ON audit_gaps.snapshot = layers.snapshot AND audit_gaps.digest = layers.blob
    UNION
    SELECT snapshot, referrer FROM audit_about
    UNION
    SELECT manifests.snapshot, manifests.digest
    FROM manifests
    JOIN audit_about
        ON audit_about.snapshot = manifests.snapshot
        AND audit_about.subject = left(manifests.digest, 71)
    UNION
    SELECT held.snapshot, held.digest
    FROM (
        SELECT snapshot, digest FROM tags
        UNION ALL
        SELECT snapshot, digest FROM untagged
    ) AS held
    JOIN audit_about
        ON audit_about.snapshot = held.snapshot AND audit_about.subject = left(held.digest, 71)
    UNION
    SELECT children.snapshot, children.child
    FROM children
    JOIN audit_about
        ON audit_about.snapshot = children.snapshot
        AND audit_about.subject = left(children.child, 71)
    UNION
    -- An attestation whose image its index does not list.
    SELECT children.snapshot, children.parent
    FROM children
    ANTI JOIN children AS siblings
        ON siblings.snapshot = children.snapshot
        AND siblings.parent = children.parent
        AND siblings.child = children.attests
    WHERE children.attests IS NOT NULL
),
above AS (
    SELECT snapshot, digest AS about, digest AS node, NULL::VARCHAR AS platform, FALSE AS attests
    FROM asked
    UNION
    SELECT
        above.snapshot,
        above.about,
        children.parent,
        CASE WHEN above.node = above.about THEN children.platform ELSE above.platform END,
        CASE
            WHEN above.node = above.about
                THEN coalesce(
                    children.attests IS NOT NULL OR children.platform = 'unknown/unknown', FALSE
                )
            ELSE above.attests
        END
    FROM above
    JOIN children ON children.snapshot = above.snapshot AND children.child = above.node
)
SELECT snapshot, about, node, platform, attests FROM above
