-- Why the relay publishes nothing until somebody mends it; null while it works. Readiness asks here.
ALTER TABLE relay_progress ADD COLUMN refused text;
