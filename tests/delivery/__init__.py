"""The engine as a whole: a store on both engines, real receivers, real DNS."""
