# Reads the messages of a folder with Email::MIME. Prints one JSON object, by file name.
use strict;
use warnings;
use Email::Address::XS;
use Email::MIME;
use JSON::PP;
use MIME::Base64 qw(encode_base64);

sub boxes {
    my ($value) = @_;
    return [] unless defined $value;
    return [map { [$_->phrase // '', $_->address] } Email::Address::XS->parse($value)];
}

my ($folder) = @ARGV;
my %found;
opendir(my $dir, $folder) or die $!;
for my $name (grep { /\.eml$/ } readdir $dir) {
    open(my $file, '<:raw', "$folder/$name") or die $!;
    my $mail = Email::MIME->new(do { local $/; <$file> });
    my %read = (text => '', html => '', files => [], subject => $mail->header_str('Subject'));
    $read{from} = boxes($mail->header_str('From'));
    $read{to} = boxes($mail->header_str('To'));
    $read{replyTo} = boxes($mail->header_str('Reply-To'));
    $mail->walk_parts(sub {
        my ($part) = @_;
        return if $part->content_type && $part->content_type =~ m{^multipart/};
        if (defined(my $filename = $part->filename)) {
            push @{$read{files}}, [$filename, encode_base64($part->body, '')];
        } else {
            $read{$part->content_type =~ m{^text/html} ? 'html' : 'text'} = $part->body_str;
        }
    });
    $found{$name} = \%read;
}
print JSON::PP->new->utf8->encode(\%found);
