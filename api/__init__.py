"""What programs and browsers ask of Encore besides the pages."""
