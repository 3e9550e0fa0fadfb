"""What Encore does, without a screen: services, pure rules and the ports to the outside."""
