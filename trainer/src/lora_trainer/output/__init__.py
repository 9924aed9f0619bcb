"""What a run leaves behind: adapter, tokenizer, samples, model card, summary."""
