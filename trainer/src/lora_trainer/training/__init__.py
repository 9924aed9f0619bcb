"""The training itself: trl's SFTTrainer with our schedule, checkpoints, points and guards."""
