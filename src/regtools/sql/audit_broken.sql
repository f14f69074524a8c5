-- Answers: whom does each missing or damaged child, config and layer concern?
-- Parameters: none; tables places, audit_gaps, audit_held.
-- Columns: place, digest, code, bytes, tags (that need it), affected (these, each with a platform
--          where it is but one of several), is_image (some tag's image needs it), nothing_left (of
--          some tag no image can be pulled), platforms.
WITH RECURSIVE
-- The manifests that are missing, or need what is.
needing AS (
    SELECT place, snapshot, digest, code, size, digest AS about FROM audit_gaps
    UNION
    SELECT gaps.place, gaps.snapshot, gaps.digest, gaps.code, gaps.size, layers.manifest
    FROM audit_gaps AS gaps
    JOIN layers ON layers.snapshot = gaps.snapshot AND layers.blob = gaps.digest
    UNION
    SELECT gaps.place, gaps.snapshot, gaps.digest, gaps.code, gaps.size, manifests.digest
    FROM audit_gaps AS gaps
    JOIN manifests
        ON manifests.snapshot = gaps.snapshot AND manifests.config_digest = gaps.digest
),
concerned AS (
    SELECT
        needing.*,
        held.top,
        held.tag,
        held.attests,
        -- What the index says of a platform is what a client goes by.
        coalesce(held.platform, manifests.platform) AS platform,
        held.top <> needing.about AS is_part
    FROM needing
    LEFT JOIN audit_held AS held ON held.place = needing.place AND held.about = needing.about
    LEFT JOIN manifests
        ON manifests.snapshot = needing.snapshot AND manifests.digest = needing.about
),
-- Of tags that lack a child: which images below them are there?
below AS (
    SELECT DISTINCT place, snapshot, top, top AS node
    FROM concerned
    WHERE code = 'INDEX_CHILD_MISSING' AND top IS NOT NULL
    UNION
    SELECT below.place, below.snapshot, below.top, children.child
    FROM below
    JOIN children ON children.snapshot = below.snapshot AND children.parent = below.node
    ANTI JOIN audit_gaps AS gaps
        ON gaps.place = below.place
        AND gaps.digest = children.child
        AND gaps.code = 'INDEX_CHILD_MISSING'
    WHERE children.attests IS NULL AND children.platform IS DISTINCT FROM 'unknown/unknown'
),
whole AS (
    SELECT below.place, below.top
    FROM below
    LEFT JOIN manifests
        ON manifests.snapshot = below.snapshot AND manifests.digest = below.node
    WHERE
        below.node <> below.top
        -- One that could not be read for another reason may be an image.
        AND coalesce(
            manifests.media_type NOT IN (
                'application/vnd.oci.image.index.v1+json',
                'application/vnd.docker.distribution.manifest.list.v2+json'
            ),
            TRUE
        )
    GROUP BY below.place, below.top
)
SELECT
    concerned.place,
    concerned.digest,
    concerned.code,
    max(concerned.size) AS bytes,
    coalesce(
        list_sort(list(DISTINCT concerned.tag) FILTER (WHERE concerned.tag IS NOT NULL)), []
    ) AS tags,
    coalesce(
        list_sort(
            list(DISTINCT CASE
                WHEN concerned.is_part AND concerned.attests THEN concerned.tag || ' (attestation)'
                WHEN concerned.is_part AND concerned.platform IS NOT NULL
                    THEN concerned.tag || ' (' || concerned.platform || ')'
                ELSE concerned.tag
            END) FILTER (WHERE concerned.tag IS NOT NULL)
        ),
        []
    ) AS affected,
    bool_or(
        concerned.tag IS NOT NULL AND NOT concerned.attests AND NOT is_referrer_tag(concerned.tag)
    ) AS is_image,
    bool_or(
        concerned.tag IS NOT NULL
        AND NOT concerned.attests
        AND NOT is_referrer_tag(concerned.tag)
        AND whole.top IS NULL
    ) AS nothing_left,
    coalesce(
        list_sort(
            list(DISTINCT concerned.platform)
            FILTER (
                WHERE concerned.tag IS NOT NULL
                AND concerned.platform IS NOT NULL
                AND NOT concerned.attests
            )
        ),
        []
    ) AS platforms
FROM concerned
LEFT JOIN whole ON whole.place = concerned.place AND whole.top = concerned.top
GROUP BY concerned.place, concerned.digest, concerned.code
