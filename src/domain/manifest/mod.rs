//! Byte-exact reading and editing of YAML, JSON and key files.
