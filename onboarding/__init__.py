"""Everything that people do in a browser: intake, planning, migration, oversight."""
