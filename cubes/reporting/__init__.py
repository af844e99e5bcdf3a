"""What a load report shows and hands out: refused values, refused records, and files of both."""
