-- How text is folded for searching, in one place: for what is stored and for what is asked.
-- "Café – Déjà_Vu.flac" reads as "cafe deja vu flac". unaccent() is only STABLE because a dictionary file may be
-- replaced; generated columns need IMMUTABLE, so after replacing that file the views must be rebuilt.
CREATE FUNCTION search_fold(text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(
    lower(unaccent('unaccent'::regdictionary, $1)), '[^[:alnum:]]+', ' ', 'g'));
