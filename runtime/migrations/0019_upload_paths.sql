-- Where an upload's file lay in the folder that was chosen, as its asset will say: 'Song A/Kick.wav'.
ALTER TABLE uploads ADD COLUMN path text;
