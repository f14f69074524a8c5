-- Answers: which images are signed more than once in a repository that holds them?
-- Parameters: none; tables places, audit_about, audit_held.
-- Columns: place, digest (the image), tags (of the signatures), signatures.
WITH
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
referrers AS (
    SELECT DISTINCT place, snapshot, subject, referrer FROM about
),
-- cosign adds a layer for each signature; Notation pushes a manifest for each. A Sigstore bundle may
-- as well be an attestation, so bundles are not counted. Sources: sigstore/cosign, SIGNATURE_SPEC.md;
-- notaryproject/specifications, signature-specification.md; 2026-11.
signatures AS (
    SELECT referrers.place, referrers.subject, referrers.referrer
    FROM referrers
    JOIN layers ON layers.snapshot = referrers.snapshot AND layers.manifest = referrers.referrer
    WHERE layers.media_type = 'application/vnd.dev.cosign.simplesigning.v1+json'
    UNION ALL
    SELECT referrers.place, referrers.subject, referrers.referrer
    FROM referrers
    JOIN manifests
        ON manifests.snapshot = referrers.snapshot AND manifests.digest = referrers.referrer
    WHERE manifests.artifact_type = 'application/vnd.cncf.notary.signature'
),
counted AS (
    SELECT place, subject, count(*) AS signatures
    FROM signatures
    GROUP BY place, subject
    HAVING count(*) > 1
)
SELECT
    counted.place,
    counted.subject AS digest,
    coalesce(list_sort(list(DISTINCT about.tag) FILTER (WHERE about.tag IS NOT NULL)), []) AS tags,
    any_value(counted.signatures) AS signatures
FROM counted
JOIN about USING (place, subject)
SEMI JOIN signatures
    ON signatures.place = about.place AND signatures.referrer = about.referrer
SEMI JOIN audit_held AS held
    ON held.place = counted.place AND left(held.about, 71) = counted.subject
GROUP BY counted.place, counted.subject
