"""Questions to answers: what goes in, if this comes out. The set is always complete, or the answer says otherwise."""
