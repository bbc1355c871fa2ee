"""Mail in the words of the policy's templates, to its lists."""
