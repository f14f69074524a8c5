-- Answers: what is about a manifest that its repository does not hold?
-- Parameters: none; tables places, audit_gaps, audit_about, audit_held.
-- Columns: place, digest (the subject, as far as it is told), tags, signed (cosign's tag names it),
--          elsewhere (another repository of the registry that holds the subject, or NULL),
--          unread (why nobody knows whether it is held, or NULL), bytes (of the referrers).
WITH RECURSIVE
-- A child that is missing counts: that is told already, and is why its signature hangs loose.
present AS (
    SELECT DISTINCT place, left(about, 71) AS subject FROM audit_held
),
about AS (
    SELECT places.place, about.snapshot, about.subject, about.referrer, about.tag
    FROM audit_about AS about
    JOIN places ON places.snapshot = about.snapshot AND places.repository = about.repository
    UNION
    SELECT held.place, about.snapshot, about.subject, about.referrer, held.tag
    FROM audit_about AS about
    JOIN audit_held AS held ON held.about = about.referrer
    JOIN places ON places.place = held.place AND places.snapshot = about.snapshot
    WHERE about.repository IS NULL
),
loose AS (
    SELECT about.* FROM about ANTI JOIN present USING (place, subject)
),
below AS (
    SELECT DISTINCT place, snapshot, subject, referrer AS node FROM loose
    UNION
    SELECT below.place, below.snapshot, below.subject, children.child
    FROM below
    JOIN children ON children.snapshot = below.snapshot AND children.parent = below.node
),
contents AS (
    SELECT below.place, below.subject, manifests.digest, manifests.size
    FROM below
    JOIN manifests ON manifests.snapshot = below.snapshot AND manifests.digest = below.node
    UNION
    SELECT below.place, below.subject, manifests.config_digest, manifests.config_size
    FROM below
    JOIN manifests ON manifests.snapshot = below.snapshot AND manifests.digest = below.node
    WHERE manifests.config_digest IS NOT NULL
    UNION
    SELECT below.place, below.subject, layers.blob, layers.size
    FROM below
    JOIN layers ON layers.snapshot = below.snapshot AND layers.manifest = below.node
    WHERE NOT layers."foreign"
),
sizes AS (
    SELECT place, subject, sum(size) AS bytes
    FROM (SELECT place, subject, digest, max(size) AS size FROM contents GROUP BY ALL) AS each_once
    GROUP BY place, subject
),
homes AS (
    SELECT own.place, loose.subject, min(other.repository) AS repository
    FROM loose
    JOIN present ON present.subject = loose.subject AND present.place <> loose.place
    JOIN places AS own ON own.place = loose.place
    JOIN places AS other ON other.place = present.place AND other.registry = own.registry
    GROUP BY own.place, loose.subject
),
unread AS (
    SELECT places.place, left(problems.reference, 71) AS subject, min(problems.code) AS code
    FROM problems
    JOIN places USING (snapshot, repository)
    WHERE problems.code <> 'NOT_FOUND'
    GROUP BY places.place, left(problems.reference, 71)
)
SELECT
    loose.place,
    loose.subject AS digest,
    coalesce(list_sort(list(DISTINCT loose.tag) FILTER (WHERE loose.tag IS NOT NULL)), []) AS tags,
    coalesce(bool_or(is_referrer_tag(loose.tag) AND length(loose.tag) > 71), FALSE) AS signed,
    any_value(homes.repository) AS elsewhere,
    any_value(unread.code) AS unread,
    any_value(sizes.bytes) AS bytes
FROM loose
LEFT JOIN sizes USING (place, subject)
LEFT JOIN homes USING (place, subject)
LEFT JOIN unread USING (place, subject)
GROUP BY loose.place, loose.subject
