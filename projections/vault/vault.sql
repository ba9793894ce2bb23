-- Columns are null until their own stream has said something: a row without workspace_id is measured before its upload
-- was read, or deleted, or in the trash. No list, search or count sees it; what is in the trash is found by trashed_in.
CREATE TABLE {schema}.vault (
    asset_id            text COLLATE "C" PRIMARY KEY,

    -- the asset's stream
    workspace_id        text COLLATE "C",
    version             bigint,
    -- the workspace, of what is in the trash
    trashed_in          text COLLATE "C",
    trashed_at          timestamptz,
    trashed_until       timestamptz,
    -- the workspace's own marks
    status              text,
    marked_rating       integer,
    colour              text,
    file_state          text,
    uploaded_at         timestamptz,
    filename            text,
    -- where the file lay in the folder that was chosen
    path                text,
    -- what stands in the file's name (schemas/audio/file_names.py)
    name_title          text,
    name_artist         text,
    name_tempo_bpm      double precision,
    name_key            text,
    folded_name_title   text,
    sort_name_title     text COLLATE "C",
    sha256              text,
    size_bytes          bigint,
    -- of the file as it was uploaded, where tags were written into a newer version of it
    original_sha256     text,
    original_size_bytes bigint,
    rejection_code      text,
    rejection_reason    text,
    -- what the file says; the columns behind it are what is said now, by the musician or by the file
    file_tags           jsonb,
    tag_title           text,
    tag_artist          text,
    tag_album           text,
    tag_year            integer,
    tag_genre           text,
    tag_track           integer,
    tag_tempo_bpm       double precision,
    tag_key             text,
    tag_isrc            text,
    tag_album_artist    text,
    tag_disc            integer,
    tag_composer        text,
    tag_label           text,
    tag_copyright       text,
    tag_comment         text,
    tag_energy          double precision,
    tag_danceability    double precision,
    tag_valence         double precision,
    tag_instruments     jsonb,
    -- each value where there are several
    tag_artists         jsonb,
    tag_genres          jsonb,
    -- their folds (projections/folding.py), one line for each way in which they are found
    folded_title        text,
    folded_filename     text,
    folded_path         text,
    folded_artist       text,
    folded_artists      text,
    folded_album        text,
    folded_album_artist text,
    folded_genre        text,
    folded_genres       text,
    folded_composer     text,
    folded_label        text,
    folded_copyright    text,
    folded_comment      text,
    folded_isrc         text,
    sort_title          text COLLATE "C",
    sort_filename       text COLLATE "C",
    -- all spellings of a genre have one key (projections/genres.py)
    genre_keys          jsonb,
    -- true where the musician said it, whatever the file says
    own_tempo_bpm       boolean,
    own_key             boolean,
    own_genre           boolean,
    -- the song and the version by the title, else by the file's name (projections/vault/songs.py), and the artist
    song_title          text,
    song_file           text,
    song_artist         text,
    kind_title          text,
    kind_file           text,
    -- the musician's word: the song, and the position at which it was made the current version
    chosen_song         text,
    current_since       bigint,
    duration_s          double precision,
    sample_rate_hz      integer,
    channels            integer,
    codec               text,
    bitrate_bps         bigint,
    truncated           boolean,
    bit_depth           integer,
    encoder             text,
    replay_gain_track_db double precision,
    replay_gain_album_db double precision,
    pictures            jsonb,
    -- the picture that the file carries, and the one that was chosen instead, in two sizes
    file_cover_sha256   text,
    file_cover_size_bytes bigint,
    file_cover_media_type text,
    artwork_sha256      text,
    artwork_size_bytes  bigint,
    artwork_media_type  text,
    artwork_small_sha256 text,
    artwork_small_size_bytes bigint,
    playable            boolean,
    rendition_sha256    text,
    drawn_sha256        text,
    rendition_size_bytes bigint,
    rendition_media_type text,

    -- the analysis' stream
    analysis_id         text,
    analysis_state      text,
    -- the run that the measurements are of; the newest that was asked for, and that was given up
    analysis_run        integer,
    analysis_asked      integer,
    analysis_failed     integer,
    analysis_error_code text,
    analysis_error_reason text,
    measured_tempo_bpm  double precision,
    tempo_candidates    jsonb,
    measured_key        text,
    key_confidence      double precision,
    loudness_lufs       double precision,
    true_peak_dbtp      double precision,
    energy              double precision,
    analyser            text,
    analyser_version    integer,
    degraded            jsonb,
    peaks_sha256        text,
    report_sha256       text,
    key_candidates      jsonb,
    loudness_range_lu   double precision,
    danceability        double precision,
    valence             double precision,
    genres              jsonb,
    guessed_genre_keys  jsonb,
    instruments         jsonb,
    vocals              double precision,
    speech              double precision,
    moods               jsonb,
    quality_score       double precision,
    defects             jsonb,
    appeal_score        double precision,

    cover_sha256 text GENERATED ALWAYS AS (coalesce(artwork_sha256, file_cover_sha256)) STORED,
    cover_size_bytes bigint
        GENERATED ALWAYS AS (coalesce(artwork_size_bytes, file_cover_size_bytes)) STORED,
    cover_media_type text
        GENERATED ALWAYS AS (coalesce(artwork_media_type, file_cover_media_type)) STORED,
    -- 0 is not rated
    rating integer GENERATED ALWAYS AS (coalesce(marked_rating, 0)) STORED,
    -- what follows from both
    state text GENERATED ALWAYS AS (CASE
        WHEN file_state <> 'verified' THEN file_state
        WHEN analysis_state = 'completed' THEN 'analysed'
        WHEN analysis_state = 'failed' THEN 'analysis_failed'
        ELSE file_state END) STORED,
    effective_tempo_bpm double precision
        GENERATED ALWAYS AS (coalesce(tag_tempo_bpm, measured_tempo_bpm, name_tempo_bpm)) STORED,
    effective_key text
        GENERATED ALWAYS AS (coalesce(tag_key, measured_key, name_key)) STORED,
    effective_genre text GENERATED ALWAYS AS (coalesce(tag_genre, genres -> 0 ->> 'name')) STORED,
    effective_energy double precision GENERATED ALWAYS AS (coalesce(tag_energy, energy)) STORED,
    effective_danceability double precision
        GENERATED ALWAYS AS (coalesce(tag_danceability, danceability)) STORED,
    effective_valence double precision GENERATED ALWAYS AS (coalesce(tag_valence, valence)) STORED,
    -- names only, lower case
    effective_instruments jsonb GENERATED ALWAYS AS (coalesce(
        tag_instruments, jsonb_path_query_array(instruments, '$[*].name'))) STORED,
    genre_fold jsonb GENERATED ALWAYS AS (coalesce(genre_keys, guessed_genre_keys)) STORED,
    -- Rows of a workspace with one song are its versions, the greatest rank the current one: what the musician chose
    -- last, then the newest master, then the newest of the others, instrumentals and a cappellas last. Ids grow with time.
    song text COLLATE "C" GENERATED ALWAYS AS (CASE
        WHEN file_state = 'verified' THEN coalesce(
            chosen_song, coalesce(song_title, song_file) || coalesce(' / ' || song_artist, ''), asset_id)
        ELSE asset_id END) STORED,
    version_kind text GENERATED ALWAYS AS (coalesce(kind_title, kind_file)) STORED,
    version_rank text COLLATE "C" GENERATED ALWAYS AS (
        lpad(coalesce(current_since, 0)::text, 20, '0') || CASE coalesce(kind_title, kind_file, '')
            WHEN 'master' THEN '2' WHEN 'instrumental' THEN '0' WHEN 'a cappella' THEN '0' ELSE '1' END
        || asset_id) STORED,
    title_sort text COLLATE "C"
        GENERATED ALWAYS AS (coalesce(sort_title, sort_name_title, sort_filename)) STORED,
    -- what it is called: each line begins and ends with a line break
    search_names text GENERATED ALWAYS AS (
        E'\n' || coalesce(folded_title || E'\n', folded_name_title || E'\n', '')
        || coalesce(folded_filename || E'\n', '')) STORED,
    search_text text GENERATED ALWAYS AS (
        E'\n' || coalesce(folded_title || E'\n', '') || coalesce(folded_filename || E'\n', '')
        || coalesce(folded_artist || E'\n', '') || coalesce(folded_artists || E'\n', '')
        || coalesce(folded_album || E'\n', '') || coalesce(folded_album_artist || E'\n', '')
        || coalesce(folded_genre || E'\n', '') || coalesce(folded_genres || E'\n', '')
        || coalesce(folded_composer || E'\n', '') || coalesce(folded_label || E'\n', '')
        || coalesce(folded_copyright || E'\n', '') || coalesce(folded_comment || E'\n', '')
        || coalesce(folded_isrc || E'\n', '') || coalesce(folded_path || E'\n', '')) STORED,
    search_vector tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('pg_catalog.simple', coalesce(folded_title, '')), 'A')
        || setweight(to_tsvector('pg_catalog.simple', coalesce(folded_filename, '') || E'\n'
               || coalesce(folded_artist, '') || E'\n' || coalesce(folded_artists, '')), 'B')
        || setweight(to_tsvector('pg_catalog.simple', coalesce(folded_album, '') || E'\n'
               || coalesce(folded_genre, '') || E'\n' || coalesce(folded_genres, '') || E'\n'
               || coalesce(folded_album_artist, '') || E'\n' || coalesce(folded_composer, '')), 'C')
        || setweight(to_tsvector('pg_catalog.simple', coalesce(folded_label, '') || E'\n'
               || coalesce(folded_copyright, '') || E'\n' || coalesce(folded_comment, '') || E'\n'
               || coalesce(folded_isrc, '') || E'\n' || coalesce(folded_path, '')), 'D')) STORED
);
CREATE INDEX ON {schema}.vault (workspace_id, uploaded_at, asset_id);
CREATE INDEX ON {schema}.vault (trashed_in, trashed_at, asset_id) WHERE trashed_in IS NOT NULL;
-- ids grow with time: the newest without a look at their dates
CREATE INDEX ON {schema}.vault (workspace_id, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, title_sort, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, song, version_rank);
CREATE INDEX ON {schema}.vault (workspace_id, effective_tempo_bpm, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, duration_s, asset_id);
-- what has no tempo or length comes last both ways, so one index cannot be read backwards for the other
CREATE INDEX ON {schema}.vault (workspace_id, effective_tempo_bpm DESC NULLS LAST, asset_id DESC);
CREATE INDEX ON {schema}.vault (workspace_id, duration_s DESC NULLS LAST, asset_id DESC);
CREATE INDEX ON {schema}.vault (workspace_id, rating, asset_id);
CREATE INDEX ON {schema}.vault (workspace_id, effective_key, effective_tempo_bpm);
CREATE INDEX ON {schema}.vault USING gin (genre_fold);
CREATE INDEX ON {schema}.vault USING gin (effective_instruments);
CREATE INDEX ON {schema}.vault USING gin (search_vector);
CREATE INDEX ON {schema}.vault USING gin (search_text public.gin_trgm_ops);
CREATE INDEX ON {schema}.vault USING gin (string_to_array(search_names, E'\n'));
