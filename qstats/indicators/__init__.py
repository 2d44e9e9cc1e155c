"""One module an indicator: its SCHEMA and one public function."""
