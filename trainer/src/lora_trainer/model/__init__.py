"""What is trained, and on what: devices, tokenizer, base model, LoRA."""
