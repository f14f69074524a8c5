-- Answers: which tags name nothing, and which an image of schema 1?
-- Parameters: none; table places.
-- Columns: place, code, digest (empty: unknown), tags, is_referrer.
SELECT
    places.place,
    'TAG_DANGLING' AS code,
    '' AS digest,
    [problems.reference] AS tags,
    is_referrer_tag(problems.reference) AS is_referrer
FROM problems
JOIN places USING (snapshot, repository)
WHERE
    problems.code = 'NOT_FOUND'
    AND problems.reference <> ''
    AND NOT contains(problems.reference, ':')
UNION ALL
SELECT places.place, 'SCHEMA1', '', list_sort(list(tags.tag)), FALSE
FROM tags
JOIN places USING (snapshot, repository)
JOIN manifests ON manifests.snapshot = tags.snapshot AND manifests.digest = tags.digest
WHERE
    manifests.media_type IN (
        'application/vnd.docker.distribution.manifest.v1+json',
        'application/vnd.docker.distribution.manifest.v1+prettyjws'
    )
GROUP BY places.place
