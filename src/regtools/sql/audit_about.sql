-- Answers: which tags and manifests say that they are about another manifest?
-- Parameters: none.
-- Columns: snapshot, repository (NULL: wherever the manifest is held), referrer, subject (the first
--          71 characters of its digest, all that a tag may hold), tag (NULL: the manifest says so).
SELECT
    snapshot,
    repository,
    digest AS referrer,
    replace(left(tag, 71), '-', ':') AS subject,
    tag
FROM tags
WHERE is_referrer_tag(tag)
UNION ALL
SELECT snapshot, NULL, digest, left(subject, 71), NULL
FROM manifests
WHERE subject IS NOT NULL
