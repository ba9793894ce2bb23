-- Similar sound and meaning of words: vectors in the view `sounds`, compared by cosine. A trusted extension; where the
-- owner of the database may not create it, whoever administers the server does so once.
CREATE EXTENSION IF NOT EXISTS vector;
