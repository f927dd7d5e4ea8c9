"""What a run leaves: events, closings, cascade trees and metrics."""
